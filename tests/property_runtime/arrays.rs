//! Arrays of the host, attached to regions.

use super::execute::World;
use super::kernel::{mix, Element};
use super::program::{Bounds, Kind};
use super::sequential::{array_value, fill_value};
use cohort::ffi::regions::{cohort_attach, cohort_detach, cohort_fill};
use cohort::ffi::types::cohort_region_t;

/// Bytes around the elements of an attached array, which nobody may touch.
const UNTOUCHED: u8 = 0xa5;

/// The layout of an array.
pub struct Array {
    pub tree: usize,
    /// Of the partition whose sub-regions have arrays of their own.
    partition: Option<usize>,
    region: usize,
    pub fields: Vec<u32>,
    bytes: Vec<u8>,
    first: usize,
    strides: [i64; 3],
    field_stride: i64,
}

impl World<'_> {
    pub fn attach_hosted(&self) -> Vec<Array> {
        let hosted = self.program.trees.iter().position(|t| t.hosted);
        hosted
            .map(|tree| {
                let fields: Vec<u32> = (0..self.program.trees[tree].kinds.len() as u32).collect();
                self.attach((tree, 0), None, &fields, self.program.seed, |_, _, _| Element::default())
            })
            .into_iter()
            .collect()
    }

    /// One array, or one for each sub-region of the partition.
    pub fn attach_all(&self, step: u32, (tree, partition): (usize, Option<usize>), fields: &[u32], layout: u64, arrays: &mut Vec<Array>) {
        let regions = partition.map_or(vec![0], |p| self.program.trees[tree].partitions[p].children.clone());
        for (i, region) in regions.into_iter().enumerate() {
            let value = |kind, field, at| array_value(kind, step, field, at);
            arrays.push(self.attach((tree, region), partition, fields, mix(layout, i as u64), value));
        }
    }

    /// An array with gaps, fields before or after the dimensions, in any order of dimensions and directions.
    fn attach(
        &self,
        (tree, region): (usize, usize),
        partition: Option<usize>,
        fields: &[u32],
        layout: u64,
        value: impl Fn(Kind, u32, usize) -> Element,
    ) -> Array {
        let data = &self.program.trees[tree];
        let bounds = data.regions[region].bounds;
        let element = fields.iter().map(|&f| data.kinds[f as usize].bytes()).max().expect("a field") as i64;
        let choose = |of: u64, n: u64| mix(layout, of) % n;
        let mut order: Vec<usize> = (0..4).collect();
        (0..4).for_each(|i| order.swap(i, choose(i as u64, 4) as usize));
        let extents = [bounds.extent(0), bounds.extent(1), bounds.extent(2), fields.len() as i64];
        let (mut strides, mut size) = ([0i64; 4], element + choose(9, 2) as i64 * 4);
        let mut first = 16;
        for d in order {
            strides[d] = size;
            let padded = extents[d] + choose(20 + d as u64, 2) as i64;
            if d < 3 && choose(30 + d as u64, 4) == 0 {
                first += size * (extents[d] - 1);
                strides[d] = -size;
            }
            size *= padded;
        }
        let mut array = Array {
            tree,
            partition,
            region,
            fields: fields.to_vec(),
            bytes: vec![UNTOUCHED; size as usize + 32],
            first: first as usize,
            strides: [strides[0], strides[1], strides[2]],
            field_stride: strides[3],
        };
        self.write_array(&mut array, value);
        let base = unsafe { array.bytes.as_mut_ptr().add(array.first) };
        let handle = self.trees[tree].regions[region];
        let (count, list, strides) = (fields.len() as u32, fields.as_ptr(), array.strides.as_ptr());
        let status = unsafe { cohort_attach(self.root, handle, count, list, base.cast(), strides, array.field_stride) };
        self.must("cohort_attach", status);
        array
    }

    /// Takes the arrays away, looks at what they hold, and fills the fields.
    pub fn detach_all(&self, step: u32, (tree, partition): (usize, Option<usize>), fields: &[u32], arrays: &mut Vec<Array>) {
        let (these, others) = std::mem::take(arrays).into_iter().partition(|a| (a.tree, a.partition, &*a.fields) == (tree, partition, fields));
        *arrays = others;
        let these: Vec<Array> = these;
        let root = self.trees[tree].regions[0];
        let detach = |region: cohort_region_t| {
            self.must("cohort_detach", unsafe { cohort_detach(self.root, region, fields.len() as u32, fields.as_ptr()) });
        };
        // All at once by the root region, or one by one.
        match step % 2 == 0 {
            true => detach(root),
            false => these.iter().for_each(|array| detach(self.trees[tree].regions[array.region])),
        }
        let expected = &self.expected.hosted[&(step, 0)];
        for array in &these {
            self.check_array(array);
            let seen = (0..fields.len()).map(|n| self.content(array, n));
            if seen.zip(expected).any(|(seen, all)| seen != self.part_of(array, all)) {
                self.complain(format!("#{step}: the array of region {} differs when it is detached", array.region));
            }
        }
        for &field in fields {
            let kind = self.program.trees[tree].kinds[field as usize];
            let value = fill_value(kind, step);
            let filled = unsafe { cohort_fill(self.root, root, 1, &field, value.as_ptr().cast(), kind.bytes()) };
            self.must("cohort_fill after detach", filled);
        }
    }

    /// What of a whole field's content lies in the array.
    fn part_of(&self, array: &Array, all: &[u8]) -> Vec<u8> {
        let regions = &self.program.trees[array.tree].regions;
        let (whole, bounds) = (regions[0].bounds, regions[array.region].bounds);
        let bytes = all.len() / whole.volume();
        bounds.points().flat_map(|p| all[whole.offset(p) * bytes..][..bytes].to_vec()).collect()
    }

    fn bounds_of(&self, array: &Array) -> Bounds {
        self.program.trees[array.tree].regions[array.region].bounds
    }

    pub fn write_array(&self, array: &mut Array, value: impl Fn(Kind, u32, usize) -> Element) {
        let data = &self.program.trees[array.tree];
        let (whole, bounds) = (data.regions[0].bounds, self.bounds_of(array));
        for (n, field) in array.fields.clone().into_iter().enumerate() {
            let kind = data.kinds[field as usize];
            for point in bounds.points() {
                let at = array.at(&bounds, n, point);
                array.bytes[at..][..kind.bytes()].copy_from_slice(&value(kind, field, whole.offset(point))[..kind.bytes()]);
            }
        }
    }

    /// The content of an array's field in Fortran order.
    pub fn content(&self, array: &Array, n: usize) -> Vec<u8> {
        let bounds = self.bounds_of(array);
        let kind = self.program.trees[array.tree].kinds[array.fields[n] as usize];
        let element = |p| {
            let mut element = Element::default();
            element[..kind.bytes()].copy_from_slice(&array.bytes[array.at(&bounds, n, p)..][..kind.bytes()]);
            kind.plain(element)
        };
        bounds.points().flat_map(|p| element(p)[..kind.bytes()].to_vec()).collect()
    }

    /// What lies between the elements is as it was.
    pub fn check_array(&self, array: &Array) {
        let (data, bounds) = (&self.program.trees[array.tree], self.bounds_of(array));
        let mut rest = array.bytes.clone();
        for (n, &field) in array.fields.iter().enumerate() {
            for point in bounds.points() {
                rest[array.at(&bounds, n, point)..][..data.kinds[field as usize].bytes()].fill(UNTOUCHED);
            }
        }
        if rest.iter().any(|b| *b != UNTOUCHED) {
            self.complain(format!("an array attached to tree {} was written between its elements", array.tree));
        }
    }
}

impl Array {
    fn at(&self, bounds: &Bounds, n: usize, point: [i64; 3]) -> usize {
        let moved: i64 = (0..3).map(|d| (point[d] - bounds.lo[d]) * self.strides[d]).sum();
        (self.first as i64 + moved + n as i64 * self.field_stride) as usize
    }
}
