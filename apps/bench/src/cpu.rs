//! Processor time and memory of processes, as `/proc` tells them.

use std::{fs, time::Duration};

use crate::Failure;

/// What `/proc/<pid>/stat` counts in, on every Linux there is.
const TICK: Duration = Duration::from_millis(10);

/// The processes that one side of a comparison pays for.
#[derive(Debug, Clone, Copy)]
pub struct Payers {
    pub server: u32,
    /// The first process of the database server, where there is one.
    pub postmaster: Option<u32>,
}

/// Processor time up to now.
#[derive(Debug, Clone, Copy)]
pub struct Used {
    pub server: Duration,
    pub database: Duration,
}

impl Payers {
    /// The database works for whoever is asked at the moment, so what its processes use in a round belongs to that side.
    pub fn used(&self) -> Result<Used, Failure> {
        let server = Stat::of(self.server)?.own();
        let Some(postmaster) = self.postmaster else { return Ok(Used { server, database: Duration::ZERO }) };
        let parent = Stat::of(postmaster)?;
        // A backend that ends in between is gone here and counted by its parent.
        let children = children(postmaster)?.map(|child| child.own()).sum::<Duration>();
        Ok(Used { server, database: parent.own() + parent.waited_for + children })
    }
}

impl Used {
    /// For each of so many requests, since then.
    pub fn for_each(self, requests: u32, since: Self) -> Self {
        let share = |now: Duration, then| now.saturating_sub(then) / requests.max(1);
        Self { server: share(self.server, since.server), database: share(self.database, since.database) }
    }

    pub fn total(self) -> f64 {
        (self.server + self.database).as_secs_f64()
    }
}

/// The parent of a process.
pub fn parent(pid: u32) -> Result<u32, Failure> {
    Ok(Stat::of(pid)?.parent)
}

/// Resident memory.
pub fn resident_mib(pid: u32) -> Result<f64, Failure> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
}

fn children(of: u32) -> Result<impl Iterator<Item = Stat>, Failure> {
    let pids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    Ok(pids.filter_map(|pid| Stat::of(pid).ok()).filter(move |stat| stat.parent == of))
}

struct Stat {
    parent: u32,
    user: Duration,
    system: Duration,
    /// By children that have ended.
    waited_for: Duration,
}

impl Stat {
    fn of(pid: u32) -> Result<Self, Failure> {
        let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        // The name in brackets may hold anything, spaces and brackets too.
        let (_, fields) = text.rsplit_once(')').ok_or("no name in stat")?;
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let number = |at: usize| -> Result<u32, Failure> { Ok(fields.get(at).ok_or("a short stat")?.parse()?) };
        Ok(Self {
            parent: number(1)?,
            user: TICK * number(11)?,
            system: TICK * number(12)?,
            waited_for: TICK * (number(13)? + number(14)?),
        })
    }

    fn own(&self) -> Duration {
        self.user + self.system
    }
}
