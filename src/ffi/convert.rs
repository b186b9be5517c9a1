//! From C's values to Rust's: pointers with counts, optional pointers, numbers that stand for choices.

use super::types::*;
use crate::base::Result;
use crate::fail;
use crate::instance::{Grouping, Layout, Order};
use crate::operation::View;
use crate::region::{Access, Coherence, Contribution, ElementType, FieldSpace, Operator, Privilege, Reduction};
use std::ffi::{c_char, c_void, CStr};

/// What the program wants handed to its own functions.
pub struct UserPointer(*mut c_void);
// The caller promises that its functions may use it on any thread.
unsafe impl Send for UserPointer {}
unsafe impl Sync for UserPointer {}

impl UserPointer {
    pub fn new(user: *mut c_void) -> Self {
        Self(user)
    }

    pub fn get(&self) -> *mut c_void {
        self.0
    }
}

/// A borrowed array. `what` names it in the message.
#[inline]
pub unsafe fn slice<'a, T>(pointer: *const T, count: usize, what: &str) -> Result<&'a [T]> {
    if count == 0 {
        return Ok(&[]);
    }
    if pointer.is_null() {
        return missing(count, what);
    }
    Ok(std::slice::from_raw_parts(pointer, count))
}

#[cold]
fn missing<T>(count: usize, what: &str) -> Result<T> {
    fail!(InvalidArgument, "{what} is null but {count} of them are announced; pass the array or a count of 0")
}

/// A pointer to something the caller filled.
pub unsafe fn given<'a, T>(pointer: *const T, what: &str) -> Result<&'a T> {
    match pointer.as_ref() {
        Some(value) => Ok(value),
        None => fail!(InvalidArgument, "{what} is null; pass its address"),
    }
}

/// A pointer through which a result goes.
pub unsafe fn out<'a, T>(pointer: *mut T) -> Result<&'a mut T> {
    match pointer.as_mut() {
        Some(place) => Ok(place),
        None => fail!(InvalidArgument, "the pointer for the result is null; pass the address of a variable"),
    }
}

/// Copies bytes into a variable of the same size.
pub unsafe fn copy_out(found: &[u8], value: *mut c_void, bytes: usize, what: &str, wanted: &str) -> Result<()> {
    if found.len() != bytes {
        fail!(InvalidArgument, "{what} has {} bytes and {bytes} are asked for; pass what {wanted}", found.len());
    }
    if bytes != 0 {
        let to = out(value.cast::<u8>())? as *mut u8;
        to.copy_from_nonoverlapping(found.as_ptr(), bytes);
    }
    Ok(())
}

pub unsafe fn text<'a>(pointer: *const c_char, what: &str) -> Result<Option<&'a str>> {
    if pointer.is_null() {
        return Ok(None);
    }
    match CStr::from_ptr(pointer).to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => fail!(InvalidArgument, "{what} is not valid UTF-8; use plain letters"),
    }
}

/// Callers fill `size` by the `_INIT` macro; a smaller struct is one of an older header.
pub fn check_size(size: usize, expected: usize, what: &str, macro_name: &str) -> Result<()> {
    if size != expected {
        fail!(Version, "{what}.size is {size} and this library expects {expected}; initialise it with {macro_name} and compile with the library's own header");
    }
    Ok(())
}

pub fn privilege(number: i32) -> Result<Privilege> {
    Ok(match number {
        COHORT_NO_ACCESS => Privilege::NoAccess,
        COHORT_READ_ONLY => Privilege::ReadOnly,
        COHORT_READ_WRITE => Privilege::ReadWrite,
        COHORT_WRITE_DISCARD => Privilege::WriteDiscard,
        COHORT_REDUCE => Privilege::Reduce,
        _ => fail!(InvalidArgument, "privilege is {number}; use COHORT_NO_ACCESS, READ_ONLY, READ_WRITE, WRITE_DISCARD or REDUCE"),
    })
}

pub fn reduction(number: i32, element: i32) -> Result<Option<Operator>> {
    let reduction = match number {
        COHORT_REDUCTION_NONE => return Ok(None),
        COHORT_SUM => Reduction::Sum,
        COHORT_PRODUCT => Reduction::Product,
        COHORT_MIN => Reduction::Min,
        COHORT_MAX => Reduction::Max,
        _ => {
            let registered = Operator::of_number(number)?;
            if element != COHORT_TYPE_NONE {
                fail!(InvalidArgument, "the type {element} for reduction {number}, which was registered with the size of its elements; use COHORT_TYPE_NONE");
            }
            return Ok(Some(registered));
        }
    };
    let element = match element {
        COHORT_INT32 => ElementType::Int32,
        COHORT_INT64 => ElementType::Int64,
        COHORT_FLOAT => ElementType::Float,
        COHORT_DOUBLE => ElementType::Double,
        COHORT_FLOAT_COMPLEX => ElementType::FloatComplex,
        COHORT_DOUBLE_COMPLEX => ElementType::DoubleComplex,
        _ => fail!(InvalidArgument, "the reduction's type is {element}; use COHORT_INT32, INT64, FLOAT, DOUBLE, FLOAT_COMPLEX or DOUBLE_COMPLEX"),
    };
    if !element.supports(reduction) {
        fail!(InvalidArgument, "complex numbers have no order; reduce them with COHORT_SUM or COHORT_PRODUCT");
    }
    Ok(Some(Operator::Known(reduction, element)))
}

fn requirement_flags(flags: u32) -> Result<u32> {
    if flags & !COHORT_FOLD_ANY_ORDER != 0 {
        fail!(InvalidArgument, "flags is {flags:#x}; use 0 or COHORT_FOLD_ANY_ORDER");
    }
    Ok(flags)
}

pub fn access(requirement: &cohort_requirement_t) -> Result<Access> {
    let privilege = privilege(requirement.privilege)?;
    let coherence = match requirement.coherence {
        COHORT_EXCLUSIVE => Coherence::Exclusive,
        COHORT_SIMULTANEOUS => Coherence::Simultaneous,
        COHORT_ATOMIC => Coherence::Atomic,
        COHORT_RELAXED => Coherence::Relaxed,
        other => fail!(InvalidArgument, "coherence is {other}; use COHORT_EXCLUSIVE, SIMULTANEOUS, ATOMIC or RELAXED"),
    };
    let plain = privilege != Privilege::Reduce && requirement.reduction == COHORT_REDUCTION_NONE && requirement.flags == 0;
    let reduction = if plain { None } else { contribution(requirement, privilege)? };
    Ok(Access { privilege, coherence, reduction })
}

/// What a requirement says of a reduction.
fn contribution(requirement: &cohort_requirement_t, privilege: Privilege) -> Result<Option<Contribution>> {
    let reduction = reduction(requirement.reduction, requirement.reduction_type)?;
    if (privilege == Privilege::Reduce) != reduction.is_some() {
        fail!(InvalidArgument, "a requirement names a reduction if and only if its privilege is COHORT_REDUCE; set both or neither");
    }
    let any_order = requirement_flags(requirement.flags)? & COHORT_FOLD_ANY_ORDER != 0;
    if any_order && reduction.is_none() {
        fail!(InvalidArgument, "COHORT_FOLD_ANY_ORDER for a requirement that does not reduce; set it with COHORT_REDUCE");
    }
    Ok(reduction.map(|operator| Contribution { operator, any_order }))
}

/// Whether an array pointer of `rank` dimensions can show the field: every stride must be a multiple of the one before, as
/// in a whole array and its padding. Rank 0 is an array with any dimensions and strides.
pub fn check_view_shape(found: &View, fields: &FieldSpace, field: u32, rank: i32, bytes: usize) -> Result<()> {
    if let Some((blocks, _)) = found.blocks {
        fail!(
            InvalidArgument,
            "field {} lies in blocks of {} points, which no array pointer shows; use cohort_view_raw or cohort_inline_view_raw, or ask for another layout",
            fields.label(field),
            blocks.points
        );
    }
    if rank == 0 {
        if found.bytes != bytes {
            fail!(InvalidArgument, "field {} has {}-byte elements and the array {bytes}-byte elements; use the field's type", fields.label(field), found.bytes);
        }
        return Ok(());
    }
    if found.dim as i64 != i64::from(rank) || found.bytes != bytes {
        fail!(
            InvalidArgument,
            "field {} is {}-D with {}-byte elements; the pointer is {rank}-D with {bytes}-byte elements",
            fields.label(field),
            found.dim,
            found.bytes
        );
    }
    let mut smaller = bytes as i64;
    for &stride in &found.stride[..found.dim] {
        if stride < smaller || stride % smaller != 0 {
            fail!(
                InvalidArgument,
                "field {} has strides of {:?} bytes, which no whole array of {bytes}-byte elements has; use cohort_view_raw or cohort_inline_view_raw",
                fields.label(field),
                &found.stride[..found.dim]
            );
        }
        smaller = stride;
    }
    Ok(())
}

pub fn layout(c: &cohort_layout_t) -> Result<Layout> {
    check_size(c.size, size_of::<cohort_layout_t>(), "layout", "COHORT_LAYOUT_INIT")?;
    let order = match c.order {
        COHORT_ORDER_FORTRAN => Order::Fortran,
        COHORT_ORDER_C => Order::C,
        other => fail!(InvalidArgument, "layout.order is {other}; use COHORT_ORDER_FORTRAN or COHORT_ORDER_C"),
    };
    let grouping = match c.grouping {
        COHORT_SOA => Grouping::Apart,
        COHORT_AOS => Grouping::Together,
        COHORT_BLOCKED => Grouping::Blocks(c.block),
        other => fail!(InvalidArgument, "layout.grouping is {other}; use COHORT_SOA, COHORT_AOS or COHORT_BLOCKED"),
    };
    if c.block != 0 && c.grouping != COHORT_BLOCKED {
        fail!(InvalidArgument, "layout.block is {} and the grouping is not COHORT_BLOCKED; set both or neither", c.block);
    }
    if c.flags & !COHORT_LAYOUT_EXACT != 0 {
        fail!(InvalidArgument, "layout.flags is {:#x}; use 0 or COHORT_LAYOUT_EXACT", c.flags);
    }
    let alignment = usize::try_from(c.alignment).unwrap_or(usize::MAX);
    let layout = Layout { order, grouping, padding: c.padding, alignment, exact: c.flags & COHORT_LAYOUT_EXACT != 0 };
    layout.check()?;
    Ok(layout)
}
