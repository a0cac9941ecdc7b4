//! Faults of the network to the database, of the database, of callers, and of the service.

mod answers;
mod batches;
mod crashes;
mod disk_full;
mod floods;
mod frozen;
mod imports;
mod locks;
mod logs;
mod lost_commits;
mod messages;
mod network;
mod paused;
mod processes;
mod silent;
mod standby;
mod starts;
