//! Runs programs in child processes and makes one that fails, crashes or hangs smaller.

use super::generate::{program, Aim};
use super::scratch;
use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any program takes on a machine that others keep busy.
const HANGS_AFTER: Duration = Duration::from_secs(60);
/// A smaller program that needs longer counts as one that hangs.
const SMALL_HANGS_AFTER: Duration = Duration::from_secs(15);
const SHRINK_FOR: Duration = Duration::from_secs(150);
/// Runs of a smaller program before it counts as correct: most failures depend on timing.
const REPEATS: u32 = 60;

fn progress_file(name: &str) -> PathBuf {
    scratch::folder("progress").join(name)
}

fn start(aim: Aim, seeds: Range<u64>, repeats: u32, removed: &HashSet<u32>, progress: &PathBuf) -> Child {
    let removed: Vec<String> = removed.iter().map(u32::to_string).collect();
    // Empty, so that a child which hangs at once is seen to.
    std::fs::write(progress, "").expect("a file in the target folder");
    Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "part", "--nocapture", "--test-threads=1"])
        .env("COHORT_TEST_PART", format!("{} {} {repeats} {} {aim:?}", seeds.start, seeds.end, removed.join(",")))
        .env("COHORT_TEST_PROGRESS", progress)
        .env("COHORT_CACHE", std::env::var_os("COHORT_CACHE").unwrap_or_else(|| scratch::folder("kernels").into()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("this test starts again")
}

/// In a child: the seeds to run, each with what is left out of its program.
pub fn seeds_of_part() -> Option<(Aim, impl Iterator<Item = (u64, HashSet<u32>)>)> {
    let text = std::env::var("COHORT_TEST_PART").ok()?;
    let words: Vec<&str> = text.split(' ').collect();
    let number = |i: usize| words[i].parse::<u64>().expect("a number from the parent");
    let removed: HashSet<u32> = words[3].split(',').filter_map(|id| id.parse().ok()).collect();
    let (seeds, repeats) = (number(0)..number(1), number(2));
    let aim = Aim::ALL.into_iter().find(|aim| format!("{aim:?}") == words[4]).expect("an aim from the parent");
    let seeds = seeds.flat_map(move |seed| (0..repeats).map(move |_| seed)).map(move |seed| (seed, removed.clone()));
    Some((aim, seeds))
}

/// In a child: tells the parent which program runs now.
pub fn report_progress(seed: u64) {
    let file = std::env::var("COHORT_TEST_PROGRESS").expect("given by the parent");
    std::fs::write(file, seed.to_string()).expect("a file in the target folder");
}

/// Whether the child succeeded; `None` if it made no progress for too long. What it printed besides.
fn finish(mut child: Child, progress: &PathBuf, limit: Duration) -> (Option<bool>, String) {
    // Both, or the child would wait for room in the pipe of the other.
    let (stdout, stderr) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let readers = [reader(stdout), reader(stderr)];
    let mut moved = Instant::now();
    let mut last = String::new();
    let ended = loop {
        if let Some(status) = child.try_wait().expect("our child") {
            break Some(status.success());
        }
        let now = std::fs::read_to_string(progress).unwrap_or_default();
        if now != last {
            (last, moved) = (now, Instant::now());
        }
        if moved.elapsed() > limit {
            child.kill().expect("our child");
            child.wait().expect("our child");
            break None;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    (ended, readers.map(|reader| reader.join().expect("reads only")).concat())
}

fn reader(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Runs the programs of these seeds: what was printed, or the first that fails.
pub fn run_apart(aim: Aim, seeds: Range<u64>) -> Result<String, (u64, String)> {
    let progress = progress_file(&format!("{aim:?}"));
    let (ended, output) = finish(start(aim, seeds.clone(), 1, &HashSet::new(), &progress), &progress, HANGS_AFTER);
    let failed = std::fs::read_to_string(&progress).ok().and_then(|text| text.parse().ok()).unwrap_or(seeds.start);
    if ended == Some(true) {
        Ok(output)
    } else {
        let how = if ended.is_none() { "it hangs" } else { output.find("wrong: ").map_or("it crashes", |at| &output[at..]) };
        Err((failed, how.into()))
    }
}

/// How the program fails without these parts, if it does.
fn failure(aim: Aim, seed: u64, removed: &HashSet<u32>) -> Option<String> {
    let progress = progress_file(&format!("one {aim:?}"));
    let child = start(aim, seed..seed + 1, REPEATS, removed, &progress);
    let (ended, output) = finish(child, &progress, SMALL_HANGS_AFTER);
    match ended {
        Some(true) => None,
        Some(false) if output.contains("wrong: ") => Some(output),
        Some(false) => Some(format!("it crashes\n{output}")),
        None => Some("it hangs".into()),
    }
}

/// The smallest program found that fails like that of this seed, as text. `once`: how that failed.
pub fn smallest(aim: Aim, (seed, once): (u64, String)) -> String {
    let program = program(aim, seed);
    let mut removed = HashSet::new();
    let Some(mut how) = failure(aim, seed, &removed) else {
        return format!("the program of seed {seed} failed once and {REPEATS} times did not:\n{program}\n{once}");
    };
    let start = Instant::now();
    let mut chunk = program.ids().len().div_ceil(2);
    while chunk > 0 && start.elapsed() < SHRINK_FOR {
        let mut smaller = false;
        let ids = program.without(&removed).ids();
        for part in ids.chunks(chunk) {
            let mut tried = removed.clone();
            tried.extend(part);
            if let Some(found) = failure(aim, seed, &tried) {
                (removed, how, smaller) = (tried, found, true);
            }
            if start.elapsed() > SHRINK_FOR {
                break;
            }
        }
        if chunk == 1 && !smaller {
            break;
        }
        chunk = if smaller && chunk == 1 { 1 } else { chunk / 2 };
    }
    let text = program.without(&removed);
    format!("a program does not do what it should (leave out: {removed:?})\n{text}\n{how}")
}
