//! The program `mailing-groups`.

fn main() {}
