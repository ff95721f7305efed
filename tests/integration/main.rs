//! One integration binary over the real thing: the workspace as it is built, the real server, real
//! clients and real audio.

mod architecture;
