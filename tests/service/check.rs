//! `check`: what it finds, and that it finds nothing in a sound database.

mod corruptions;
mod damage;
mod program;
mod references;
mod sound;
