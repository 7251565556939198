//! What every `cargo test` asks: whether Parlor still costs about what the
//! kernel does. CPU time against CPU time in the same run, never the clock, and
//! with room for a build that is not optimised: only a change for the worse by
//! a multiple is found.

use std::io;

use crate::{
    dialect::Text,
    job::Shape,
    kind::Kind,
    plan::{self, Scenario},
};

/// A load, and how many times what the floor costs one may cost.
struct Hold {
    test: &'static str,
    rooms: usize,
    members: usize,
    /// How many messages of a room are on their way all the time; else they come at a rate.
    window: Option<u64>,
    most: f64,
}

/// By each load that has a rate.
const DELIVERIES: u64 = 5_000;

/// How long each load lasts.
const SECONDS: f64 = 0.25;

const HOLDS: [Hold; 3] = [
    Hold {
        test: "a_delivery_costs_little_more_than_the_kernel",
        rooms: 10,
        members: 100,
        window: None,
        most: 3.0,
    },
    // What a message costs is borne by few deliveries here.
    Hold {
        test: "a_message_to_few_costs_little_more_than_the_kernel",
        rooms: 100,
        members: 4,
        window: None,
        most: 6.0,
    },
    // The floor writes each message by itself, and a room that did so would be above this, as in the first load.
    Hold {
        test: "four_messages_together_cost_less_than_one_by_one",
        rooms: 10,
        members: 100,
        window: Some(4),
        most: 0.9,
    },
];

/// Loads the floor and Parlor by turns, with a few large rooms, with many small ones, and with several messages at a time.
///
/// # Errors
/// A delivery costs too much or went wrong, or something did not start.
pub fn hold() -> io::Result<()> {
    HOLDS.iter().try_for_each(Hold::check)
}

impl Hold {
    fn check(&self) -> io::Result<()> {
        let Self { test, rooms, members, window, most } = *self;
        let (crowd, text, seconds) = (plan::crowd(rooms, members), Text::Plain(128), SECONDS);
        let rate = DELIVERIES as f64 / (rooms * members) as f64 / SECONDS;
        let shape = match window {
            Some(window) => Shape::Flood { crowd, window, seconds, text },
            None => Shape::Talk { crowd, rate, seconds, text },
        };
        let scenario = Scenario { name: test, shape, kinds: plan::OURS };
        let mut ratios = Vec::new();
        for run in 0..3 {
            let [floor, parlor] =
                [Kind::Floor, Kind::Parlor].map(|kind| scenario.measure(kind, run));
            let (floor, parlor) = (floor?.outcome, parlor?.outcome);
            for outcome in [&floor, &parlor] {
                let came = (
                    outcome.deliveries,
                    outcome.lost,
                    outcome.doubled,
                    outcome.disordered,
                    outcome.closed,
                );
                let sent = window.map_or(DELIVERIES, |_| outcome.messages * members as u64);
                if came != (sent, 0, 0, 0, 0) || sent == 0 {
                    return Err(io::Error::other(format!(
                        "not every message reached everybody once and in order: {outcome:?}"
                    )));
                }
            }
            println!(
                "{rooms} rooms of {members}, {} on their way: a member-message costs {:.2} us, the floor's {:.2} us",
                window.map_or("few".to_owned(), |window| window.to_string()),
                parlor.cpu,
                floor.cpu
            );
            ratios.push(parlor.cpu / floor.cpu);
        }
        ratios.sort_by(f64::total_cmp);
        let ratio = ratios[1];
        if ratio > most {
            return Err(io::Error::other(format!(
                "{test}: {ratio:.1} times what the floor costs; at most {most} is allowed"
            )));
        }
        println!("test {test} ... ok ({ratio:.2} times the floor)");
        Ok(())
    }
}
