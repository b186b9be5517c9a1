//! From which memory data is copied that is valid in several.

use super::{Answer, NeedInfo};
use std::ffi::CStr;

/// A memory, by its number in the machine's list, and the bytes of what is to be copied that are valid there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    pub memory: i32,
    pub bytes: u64,
}

/// What a mapper is told of copies that an operation needs before it can run.
pub struct SourcesInfo<'a> {
    /// 0 for an operation that is no task.
    pub task: u64,
    pub name: &'a CStr,
    /// Which of the operation's requirements it is.
    pub number: u32,
    pub need: NeedInfo<'a>,
    pub destination: i32,
    /// What is to be copied.
    pub bytes: u64,
    /// As they are taken without the mapper.
    pub sources: &'a [Source],
}

/// Each source once.
pub(super) fn check_order(order: &[i32], copy: &SourcesInfo) -> Answer {
    let names = || copy.sources.iter().map(|source| source.memory.to_string()).collect::<Vec<_>>().join(", ");
    if order.len() != copy.sources.len() {
        return Err(format!("count is {}; the data can be copied from {} memories ({}), each of which has one place in the order", order.len(), copy.sources.len(), names()));
    }
    for (i, memory) in order.iter().enumerate() {
        if !copy.sources.iter().any(|source| source.memory == *memory) {
            return Err(format!("memory {memory} is named, and the data can be copied from memories {}", names()));
        }
        if order[..i].contains(memory) {
            return Err(format!("memory {memory} is named twice; each of the memories {} has one place in the order", names()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::region::{Access, FieldMask, IndexSpace, Privilege, RegionNode, Tree};
    use std::sync::Arc;

    #[test]
    fn an_order_names_each_source_once() {
        let root = RegionNode::root(Tree::new(IndexSpace::of_rects(1, 1, &[0], &[9]).unwrap(), Arc::default()));
        let fields = FieldMask::default();
        let sources = [Source { memory: 0, bytes: 8 }, Source { memory: 3, bytes: 80 }];
        let need = NeedInfo::new(&root, &fields, Access::exclusive(Privilege::ReadOnly));
        let copy = SourcesInfo { task: 1, name: c"task", number: 0, need, destination: 4, bytes: 80, sources: &sources };
        check_order(&[3, 0], &copy).unwrap();
        for (order, part) in [(&[3][..], "count is 1"), (&[3, 4], "memory 4 is named"), (&[3, 3], "memory 3 is named twice"), (&[0, 3, 3], "count is 3")] {
            let text = check_order(order, &copy).unwrap_err();
            assert!(text.contains(part), "{text}");
        }
    }
}
