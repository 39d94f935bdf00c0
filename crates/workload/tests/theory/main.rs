//! What probability theory says of every arrival process, and calculus of every shape of a rate, holds for what is sent.
//! The formulas stand here in full, each with its source, and share nothing with what they judge.

mod arrivals;
mod formulas;
mod rates;
mod statistics;
mod times;
