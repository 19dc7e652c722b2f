//! Tests of due times: tables of expected times, and a comparison with a brute-force search.

mod brute_force;
mod due_times;
