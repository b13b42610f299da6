//! Tables of texts and the whole report that each of them gets.

mod findings;
