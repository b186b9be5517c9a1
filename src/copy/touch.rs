//! Touching pages without changing what they hold, for the system to give them where the touching thread wants them.

use crate::geometry::Rect;
use crate::instance::FieldInstance;

/// Touches every page of `page` bytes that has points of `rect`.
///
/// # Safety
/// The points lie in the instance, and nobody else uses them meanwhile; who uses other bytes of the same pages does no harm.
pub unsafe fn touch(instance: &FieldInstance, rect: &Rect, page: usize) {
    let step = match &instance.blocks {
        Some(blocks) if blocks.dim == 0 => blocks.points,
        _ => (page as i64 / instance.stride[0].abs().max(1)).max(1),
    };
    let mut last = usize::MAX;
    let mut reach = |point| {
        let at = instance.at(point);
        if at as usize / page != last {
            last = at as usize / page;
            // A page that was only read is one of zeros that all share. Volatile, or nothing would be written where nothing changes.
            unsafe { at.write_volatile(at.read_volatile()) };
        }
    };
    for z in rect.lo[2]..=rect.hi[2] {
        for y in rect.lo[1]..=rect.hi[1] {
            (rect.lo[0]..=rect.hi[0]).step_by(step as usize).for_each(|x| reach([x, y, z]));
            reach([rect.hi[0], y, z]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::{Arrangement, Grouping, Layout, Order};
    use crate::machine::{find, page_bytes, Found, SystemMemory};

    #[test]
    fn every_page_of_the_points_is_touched_in_any_layout_and_nothing_changes() {
        let node = SystemMemory::all().unwrap()[0].node;
        let (rect, part) = (Rect::new([0; 3], [299, 69, 4]), Rect::new([0, 3, 1], [299, 60, 3]));
        for grouping in [Grouping::Apart, Grouping::Together, Grouping::Blocks(8)] {
            for order in [Order::Fortran, Order::C] {
                let layout = Layout { grouping, order, ..Layout::default() };
                let plan = layout.plan(rect, 3, [8, 8].into_iter()).unwrap();
                let made = Arrangement::in_node(&plan, [(0, 8), (1, 8)].into_iter(), node).unwrap().0;
                let of_part = |instance: &FieldInstance| {
                    let points = (part.lo[2]..=part.hi[2]).flat_map(|z| (part.lo[1]..=part.hi[1]).flat_map(move |y| (0..=299).map(move |x| [x, y, z])));
                    points.map(|point| instance.at(point).cast_const()).collect::<Vec<_>>()
                };
                let instance = made.get(1).unwrap();
                unsafe { *instance.at([7, 7, 2]) = 5 };
                unsafe { touch(instance, &part, page_bytes()) };
                assert_eq!(unsafe { *instance.at([7, 7, 2]) }, 5);
                for at in of_part(instance) {
                    // Some containers do not tell.
                    let Ok(found) = find(&[at], node) else { return };
                    assert_eq!(found, Found::There, "{layout}");
                }
            }
        }
    }
}
