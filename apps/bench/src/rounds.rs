//! Many short rounds in which the sides take turns. What the machine does besides hits all of them, so the ratios within a
//! round are steady where the figures are not.

use std::time::Duration;

use crate::{Failure, cpu::Used, load::Load, sides::Side};

/// How long it takes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub rounds: u32,
    /// Of each of the two parts of a side's turn.
    pub length: Duration,
}

/// What one side showed in one round.
#[derive(Debug, Clone, Copy)]
pub struct Turn {
    /// For one request.
    pub cpu: Used,
    pub per_second: f64,
    /// With time to spare: at saturation it says more about the queue than about the server.
    pub p99: Duration,
}

/// Who wants as much as they can get.
const BUSY: usize = 32;
/// Who pauses between requests, and how long.
const PACED: usize = 16;
const THINK: Duration = Duration::from_millis(10);

/// The turns of all sides, round by round.
pub struct Rounds(Vec<Vec<Turn>>);

impl Rounds {
    pub async fn take(sides: &[Side], plan: Plan) -> Result<Self, Failure> {
        for side in sides {
            // Connections, prepared statements, caches.
            turn(side, plan.length).await?;
        }
        let mut rounds = Vec::new();
        for number in 0..plan.rounds {
            rounds.push(round(sides, plan.length, number % 2 == 1).await?);
        }
        Ok(Self(rounds))
    }

    /// The median of the ratios of one side to another.
    pub fn ratio(&self, side: usize, to: usize, figure: impl Fn(&Turn) -> f64) -> f64 {
        median(self.0.iter().filter_map(|round| Some(figure(round.get(side)?) / figure(round.get(to)?))).collect())
    }

    /// The median of a figure itself: true of this machine and this hour only.
    pub fn figure(&self, side: usize, figure: impl Fn(&Turn) -> f64) -> f64 {
        median(self.0.iter().filter_map(|round| round.get(side).map(&figure)).collect())
    }
}

async fn round(sides: &[Side], length: Duration, backwards: bool) -> Result<Vec<Turn>, Failure> {
    let mut order: Vec<_> = sides.iter().enumerate().collect();
    if backwards {
        // Who comes first may find the machine warmer or colder.
        order.reverse();
    }
    let mut turns = Vec::new();
    for (at, side) in order {
        turns.push((at, turn(side, length).await?));
    }
    turns.sort_unstable_by_key(|(at, _)| *at);
    Ok(turns.into_iter().map(|(_, turn)| turn).collect())
}

async fn turn(side: &Side, length: Duration) -> Result<Turn, Failure> {
    let named = |failure| format!("{}: {failure}", side.name);
    let busy = Load { connections: BUSY, think: None, length };
    let (before, tally) = busy.put_on(&side.target, || side.payers.used()).await.map_err(named)?;
    let cpu = side.payers.used()?.for_each(tally.requests, before?);
    let paced = Load { connections: PACED, think: Some(THINK), length };
    let ((), rest) = paced.put_on(&side.target, || ()).await.map_err(named)?;
    Ok(Turn { cpu, per_second: tally.per_second(), p99: rest.p99() })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}
