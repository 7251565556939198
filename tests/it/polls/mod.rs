//! Polls, long and short: nothing lost, nothing doubled, nothing out of order, whatever becomes of the answers.

mod amendments;
mod answers;
mod keep_alive;
mod refusals;
mod seats;
