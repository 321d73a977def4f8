//! Which of the deliveries that are due goes first.

use super::port::ClaimedDelivery;

/// Retries and first attempts by turns, each in their own order; whichever has been due for longer begins.
///
/// So neither waits for the end of the other. Where there is time for two attempts, one is of each kind; where there is time for
/// one alone, it is the one that has waited longest.
pub fn by_turns(retries: Vec<ClaimedDelivery>, new: Vec<ClaimedDelivery>) -> Vec<ClaimedDelivery> {
    let due = |queue: &[ClaimedDelivery]| queue.first().map(|next| next.due_at);
    let (one, other) = if due(&new) < due(&retries) { (new, retries) } else { (retries, new) };
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let turns = std::iter::from_fn(|| {
        let turn = [one.next(), other.next()];
        turn.iter().any(Option::is_some).then_some(turn)
    });
    turns.flatten().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{testing::people, time::MINUTE};

    /// Each is called after the minute in which it is due.
    fn queue<const N: usize>(minutes: [u32; N]) -> Vec<ClaimedDelivery> {
        let due = |minute| people::NOW.plus(MINUTE * minute);
        minutes.map(|minute| ClaimedDelivery { due_at: due(minute), ..people::claimed(minute.into()) }).into()
    }

    fn order<const R: usize, const N: usize>(retries: [u32; R], new: [u32; N]) -> Vec<u64> {
        let turns = by_turns(queue(retries), queue(new));
        turns.iter().map(|it| it.due_at.since(people::NOW).as_secs() / 60).collect()
    }

    #[test]
    fn they_take_turns_and_nobody_is_left_out() {
        assert_eq!(order([1, 2, 3, 4], [5, 6]), [1, 5, 2, 6, 3, 4]);
        assert_eq!(order([1], [5, 6, 7]), [1, 5, 6, 7]);
        assert_eq!(order([1, 2], []), [1, 2]);
        assert_eq!(order([], [1, 2]), [1, 2]);
    }

    #[test]
    fn whichever_has_been_due_for_longer_begins() {
        assert_eq!(order([1, 4], [2, 3]), [1, 2, 4, 3]);
        assert_eq!(order([2, 4], [1, 3]), [1, 2, 3, 4]);
    }

    /// As they are numbered, whatever the clocks said.
    #[test]
    fn what_is_new_keeps_its_order() {
        assert_eq!(order([2], [3, 1]), [2, 3, 1]);
    }
}
