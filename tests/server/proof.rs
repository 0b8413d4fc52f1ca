//! The proof: what passes, what makes it fail, and what it leaves behind.

mod broken;
mod columns;
mod generated;
mod guessed;
mod healthy;
mod left;
mod login;
pub mod shop;
