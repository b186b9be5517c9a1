//! Copies between two CUDA devices of the process, without a stop in the host's memory.

use super::boxes::{Piece, Pitches};
use super::cuda::{attribute, Driven};
use super::cuda_memory::Context;
use crate::base::Result;
use cudarc::driver::result;
use cudarc::driver::sys::{self, CUcontext, CUdevice_attribute as Attribute, CUmemorytype, CUresult, CUstream, CUDA_MEMCPY3D_PEER};
use cudarc::driver::sys::{CUmemLocation_st__bindgen_ty_1 as Number, CUmemAccessDesc, CUmemAccess_flags, CUmemLocation, CUmemLocationType};

/// Memory of a device, and the context that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Address {
    pub at: u64,
    pub context: CUcontext,
}

/// The pairs of `count` devices of which each reaches the other, as far as `opens` one to the other. What fails is added to `absent`.
fn pairs(count: usize, mut opens: impl FnMut(usize, usize) -> std::result::Result<bool, String>, absent: &mut Vec<String>) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (a, b) in (0..count).flat_map(|a| (a + 1..count).map(move |b| (a, b))) {
        match opens(a, b).and_then(|there| Ok(there && opens(b, a)?)) {
            Ok(true) => found.push((a, b)),
            Ok(false) => (),
            Err(why) => absent.push(format!("CUDA: devices {a} and {b} copy by way of the host: {why}")),
        }
    }
    found
}

/// Opens each device's memory to those that can reach it.
pub(super) fn introduce(contexts: &[&Context], absent: &mut Vec<String>) {
    let opens = |a: usize, b: usize| open(contexts[a], contexts[b]).map_err(|error| error.text.into());
    for (a, b) in pairs(contexts.len(), opens, absent) {
        for (one, other) in [(a, b), (b, a)] {
            contexts[one].peers.lock().push(contexts[other].raw as usize);
        }
    }
}

/// Lets `device` use the memory of `peer`, if the hardware can.
fn open(device: &Context, peer: &Context) -> Result<bool> {
    let _entered = device.enter()?;
    opened(device, peer).map_err(|error| device.fault("the opening of its peer's memory", error))
}

/// In the device's context.
fn opened(device: &Context, peer: &Context) -> Driven<bool> {
    let mut can = 0;
    // SAFETY: devices and contexts are those that the driver gave.
    unsafe {
        sys::cuDeviceCanAccessPeer(&mut can, device.device, peer.device).result()?;
        if can == 0 {
            return Ok(false);
        }
        match sys::cuCtxEnablePeerAccess(peer.raw, 0) {
            // The program may have done it.
            CUresult::CUDA_SUCCESS | CUresult::CUDA_ERROR_PEER_ACCESS_ALREADY_ENABLED => (),
            code => code.result()?,
        }
        // Memory from pools has rights of its own.
        if attribute(peer.device, Attribute::CU_DEVICE_ATTRIBUTE_MEMORY_POOLS_SUPPORTED) != 0 {
            let location = CUmemLocation { type_: CUmemLocationType::CU_MEM_LOCATION_TYPE_DEVICE, __bindgen_anon_1: Number { id: device.device } };
            let access = CUmemAccessDesc { location, flags: CUmemAccess_flags::CU_MEM_ACCESS_FLAGS_PROT_READWRITE };
            sys::cuMemPoolSetAccess(result::device::get_default_mem_pool(peer.device)?, &access, 1).result()?;
        }
    }
    Ok(true)
}

/// # Safety
/// As `Device::copy`.
pub(super) unsafe fn copy_piece(stream: CUstream, from: Address, to: Address, piece: &Piece) -> Driven<()> {
    if piece.rows == 1 && piece.slices == 1 {
        let (source, target) = (moved(from, &piece.from), moved(to, &piece.to));
        return sys::cuMemcpyPeerAsync(target.at, target.context, source.at, source.context, piece.run, stream).result();
    }
    sys::cuMemcpy3DPeerAsync(&described(from, to, piece), stream).result()
}

fn moved(address: Address, side: &Pitches) -> Address {
    Address { at: address.at.wrapping_add_signed(side.offset as i64), ..address }
}

fn described(from: Address, to: Address, piece: &Piece) -> CUDA_MEMCPY3D_PEER {
    let (source, target) = (moved(from, &piece.from), moved(to, &piece.to));
    CUDA_MEMCPY3D_PEER {
        srcXInBytes: 0,
        srcY: 0,
        srcZ: 0,
        srcLOD: 0,
        srcMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
        srcHost: std::ptr::null(),
        srcDevice: source.at,
        srcArray: std::ptr::null_mut(),
        srcContext: source.context,
        srcPitch: piece.from.row,
        srcHeight: piece.from.slice / piece.from.row,
        dstXInBytes: 0,
        dstY: 0,
        dstZ: 0,
        dstLOD: 0,
        dstMemoryType: CUmemorytype::CU_MEMORYTYPE_DEVICE,
        dstHost: std::ptr::null_mut(),
        dstDevice: target.at,
        dstArray: std::ptr::null_mut(),
        dstContext: target.context,
        dstPitch: piece.to.row,
        dstHeight: piece.to.slice / piece.to.row,
        WidthInBytes: piece.run,
        Height: piece.rows,
        Depth: piece.slices,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_pairs_where_both_ways_open() {
        let mut absent = Vec::new();
        // 0 and 1 reach each other, 2 is reached by 0 alone, 3 fails.
        let opens = |a: usize, b: usize| match (a, b) {
            (0, 1) | (1, 0) | (0, 2) => Ok(true),
            (_, 3) => Err("TOO_MANY_PEERS".to_string()),
            _ => Ok(false),
        };
        assert_eq!(pairs(4, opens, &mut absent), [(0, 1)]);
        assert_eq!(absent.len(), 3);
        assert!(absent[0].contains("devices 0 and 3") && absent[0].contains("TOO_MANY_PEERS"), "{absent:?}");
        assert!(pairs(1, |_, _| panic!("asked"), &mut absent).is_empty());
    }

    #[test]
    fn boxes_are_described_with_the_contexts_of_both_sides() {
        let address = |at, context: usize| Address { at, context: context as CUcontext };
        let side = |offset, row, slice| Pitches { offset, row, slice };
        let piece = Piece { run: 32, rows: 3, slices: 2, from: side(-64, 80, 800), to: side(128, 32, 96) };
        let copy = described(address(0x10000, 1), address(0x20000, 2), &piece);
        assert_eq!((copy.srcDevice, copy.srcContext as usize, copy.srcPitch, copy.srcHeight), (0x10000 - 64, 1, 80, 10));
        assert_eq!((copy.dstDevice, copy.dstContext as usize, copy.dstPitch, copy.dstHeight), (0x20000 + 128, 2, 32, 3));
        assert_eq!((copy.WidthInBytes, copy.Height, copy.Depth), (32, 3, 2));
    }
}
