//! Tables against gimli's own evaluation, and walks of live threads.

mod agrees;
mod corpus;
mod live;
mod traced;
