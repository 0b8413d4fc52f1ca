//! A plan for people, in a terminal or a page, and for programs.

mod json;
mod print;
mod text;
mod word;

pub use text::PlanText;
