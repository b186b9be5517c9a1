//! Where a processor lies, as the kernel says under /sys/devices/system/cpu (Linux Documentation/ABI/stable/
//! sysfs-devices-system-cpu). Containers may hide parts of it: what is not told is taken to be one package with one
//! node, each processor a core.

use super::Cpu;
use std::path::Path;

pub fn place(number: u32) -> Cpu {
    place_under(Path::new("/sys/devices/system/cpu"), number)
}

fn place_under(root: &Path, number: u32) -> Cpu {
    let folder = root.join(format!("cpu{number}"));
    let told = |name: &str| std::fs::read_to_string(folder.join("topology").join(name)).ok()?.trim().parse::<u32>().ok();
    Cpu {
        number,
        core: told("core_id").unwrap_or(number),
        // Virtual machines may say -1, which is no number here.
        package: told("physical_package_id").unwrap_or(0),
        node: node(&folder).unwrap_or(0),
    }
}

/// The processor's folder holds a link `nodeN` to its NUMA node.
fn node(folder: &Path) -> Option<u32> {
    let entries = std::fs::read_dir(folder).ok()?;
    entries.flatten().find_map(|entry| entry.file_name().to_str()?.strip_prefix("node")?.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn places_are_read_and_gaps_filled() {
        let root = std::env::temp_dir().join(format!("cohort-topology-{}", std::process::id()));
        let topology = root.join("cpu3/topology");
        fs::create_dir_all(&topology).unwrap();
        fs::create_dir_all(root.join("cpu3/node1")).unwrap();
        fs::create_dir_all(root.join("cpu3/node_power")).unwrap();
        fs::write(topology.join("core_id"), "7\n").unwrap();
        fs::write(topology.join("physical_package_id"), "-1\n").unwrap();
        let (told, hidden) = (place_under(&root, 3), place_under(&root, 4));
        fs::remove_dir_all(&root).unwrap();
        assert_eq!(told, Cpu { number: 3, core: 7, package: 0, node: 1 });
        assert_eq!(hidden, Cpu { number: 4, core: 4, package: 0, node: 0 });
    }
}
