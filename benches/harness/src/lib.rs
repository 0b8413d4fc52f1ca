//! Paired measurement: strategies take turns in one process, so that what disturbs one disturbs
//! all, and what counts is their ratio.

mod machine;
mod options;
mod samples;
mod table;
mod target;
mod turns;

pub use machine::{machine, one_processor};
pub use options::{Effort, Options};
pub use samples::{Samples, median, ratio, time};
pub use table::{Table, section};
pub use target::{Target, Targets};
pub use turns::{Order, Pace, Strategy, take_turns, timed};
