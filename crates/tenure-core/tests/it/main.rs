//! The whole process, driven from outside.

mod scenarios;
