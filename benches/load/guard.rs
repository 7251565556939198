//! What every `cargo test` asks: whether Parlor still costs about what the
//! kernel does. CPU time against CPU time in the same run, never the clock, and
//! with room for a build that is not optimised: only a change for the worse by
//! a multiple is found.

use std::io;

use crate::{
    job::Shape,
    plan::{self, Scenario},
    server::Kind,
};

/// A load, and how many times what the floor costs one may cost.
struct Hold {
    test: &'static str,
    rooms: usize,
    members: usize,
    most: f64,
}

/// By each load.
const DELIVERIES: u64 = 5_000;

/// How long each load lasts.
const SECONDS: f64 = 0.25;

const HOLDS: [Hold; 2] = [
    Hold {
        test: "a_delivery_costs_little_more_than_the_kernel",
        rooms: 10,
        members: 100,
        most: 3.0,
    },
    // What a message costs is borne by few deliveries here.
    Hold {
        test: "a_message_to_few_costs_little_more_than_the_kernel",
        rooms: 100,
        members: 4,
        most: 6.0,
    },
];

/// Loads the floor and Parlor by turns, with a few large rooms and with many small ones.
///
/// # Errors
/// A delivery costs too much or went wrong, or something did not start.
pub fn hold() -> io::Result<()> {
    HOLDS.iter().try_for_each(Hold::check)
}

impl Hold {
    fn check(&self) -> io::Result<()> {
        let Self { test, rooms, members, most } = *self;
        let rate = DELIVERIES as f64 / (rooms * members) as f64 / SECONDS;
        let shape =
            Shape::Talk { crowd: plan::crowd(rooms, members), rate, seconds: SECONDS, bytes: 128 };
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
                if came != (DELIVERIES, 0, 0, 0, 0) {
                    return Err(io::Error::other(format!(
                        "not every message reached everybody once and in order: {outcome:?}"
                    )));
                }
            }
            println!(
                "{rooms} rooms of {members}: a delivery costs {:.2} us, the floor's {:.2} us",
                parlor.cpu, floor.cpu
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
