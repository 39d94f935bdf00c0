//! What this machine has to spare: memory, within the limit of the control group too, and space on a disk.

use squall_campaign::MachineRoom;
use std::fs;
use std::path::Path;

/// What there is to spare now, for files that go to `folder`; what cannot be found out is not known.
pub(crate) fn room(folder: Option<&Path>) -> MachineRoom {
    let read = |path: &str| fs::read_to_string(path).ok();
    let system = read("/proc/meminfo").and_then(|text| available(&text));
    let group = read("/proc/self/cgroup").and_then(|text| within_group(&text, &read));
    MachineRoom { memory: system.into_iter().chain(group).min(), disk: folder.and_then(free_space) }
}

/// `MemAvailable` of `/proc/meminfo`: what can be had without swapping.
fn available(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kib.checked_mul(1_024)
}

/// What the limits of the control group and of those around it leave, in either version; `None` without one.
fn within_group(groups: &str, read: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    let left = groups.lines().flat_map(|line| {
        let mut parts = line.splitn(3, ':').skip(1);
        let (controllers, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or("/"));
        let (root, limit, used) = match controllers {
            "" => ("/sys/fs/cgroup", "memory.max", "memory.current"),
            _ if controllers.split(',').any(|each| each == "memory") => {
                ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes")
            }
            _ => return Vec::new(),
        };
        let number = |file: String| read(&file)?.trim().parse::<u64>().ok();
        let folders = Path::new(path)
            .ancestors()
            .map(|folder| format!("{root}{}", folder.display()).trim_end_matches('/').to_owned());
        let each = folders.filter_map(|folder| {
            let limit = number(format!("{folder}/{limit}"))?;
            Some(limit.saturating_sub(number(format!("{folder}/{used}")).unwrap_or(0)))
        });
        each.collect()
    });
    left.min()
}

/// The space on the disk of a folder, or of the nearest one above it that is there already.
fn free_space(folder: &Path) -> Option<u64> {
    let folder = std::path::absolute(folder).ok()?;
    let there = folder.ancestors().find(|folder| folder.exists())?;
    let disk = rustix::fs::statvfs(there).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_the_machine_is_what_is_available() {
        let text = "MemTotal:       16384000 kB\nMemFree:          100000 kB\nMemAvailable:    8192000 kB\n";
        assert_eq!(available(text), Some(8_192_000 * 1_024));
        assert_eq!(available("MemTotal: 1 kB\n"), None);
        assert_eq!(available("MemAvailable: many kB\n"), None);
    }

    #[test]
    fn the_narrowest_of_all_groups_decides() {
        let files = [
            ("/sys/fs/cgroup/a/b/memory.max", "max\n"),
            ("/sys/fs/cgroup/a/b/memory.current", "500\n"),
            ("/sys/fs/cgroup/a/memory.max", "4000\n"),
            ("/sys/fs/cgroup/a/memory.current", "1500\n"),
            ("/sys/fs/cgroup/memory.max", "9000\n"),
        ];
        let read = |path: &str| {
            files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
        };
        assert_eq!(within_group("0::/a/b\n", &read), Some(2_500));
        assert_eq!(within_group("0::/\n", &read), Some(9_000));
        assert_eq!(within_group("", &read), None);
    }

    #[test]
    fn groups_of_the_first_version_have_other_files() {
        let read = |path: &str| match path {
            "/sys/fs/cgroup/memory/job/memory.limit_in_bytes" => Some("3000\n".to_owned()),
            "/sys/fs/cgroup/memory/job/memory.usage_in_bytes" => Some("5000\n".to_owned()),
            _ => None,
        };
        let groups = "4:cpu,cpuacct:/job\n3:memory:/job\n";
        assert_eq!(within_group(groups, &read), Some(0), "more is in use than may be");
        assert_eq!(within_group("4:cpu,cpuacct:/job\n", &read), None);
    }

    #[test]
    fn the_space_of_a_folder_that_is_not_there_yet_is_that_of_its_disk() {
        let folder = std::env::temp_dir();
        let space = free_space(&folder.join("not/there/yet")).expect("there is a disk");
        assert!(space > 0 && free_space(&folder).is_some());
    }
}
