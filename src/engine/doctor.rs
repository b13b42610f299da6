//! Why a program gets ExpiredToken: a [`Picture`] of everything that was gathered becomes a [`Diagnosis`], the list of
//! findings in the order in which AWS error guides tell people to look, and before it the one cause that explains it.
//!
//! Whether the variables that name files lead to any (`named`), which credentials the tools here would really pick (`selection`, with `exported` and `hidden`, by the rules of `pick`), the files they stand in
//! (`files`), their kind and end (`session`), what STS says about them and by which clock (`identity`), what stands
//! behind them (`behind`), where the platform renews them (`platform`), and whether evertoken does (`keeping`). When
//! nothing is wrong anywhere, it is the program that read the file once (`program`). Each step adds its findings and
//! knows nothing of the others; `verdict` then takes the cause that lies deepest. Gathers nothing, repairs nothing, and
//! never holds a secret.

mod ask;
mod behind;
mod exported;
mod facts;
mod files;
pub mod finding;
mod hidden;
mod identity;
mod keeping;
mod named;
mod own;
mod pick;
pub mod picture;
mod platform;
mod program;
mod selection;
mod session;
pub mod surroundings;
mod verdict;
mod words;

pub use ask::{ToAsk, may_be_instance, to_ask};
pub use behind::{Base, End, base_of};
pub use finding::{Cause, Diagnosis, Finding, Mark, Mend};
pub use picture::Picture;
pub use selection::is_unknown;
pub use words::short_id;

/// Examines a picture.
pub fn examine(picture: &Picture) -> Diagnosis {
    let steps: [fn(&Picture) -> Vec<Finding>; 8] = [
        named::findings,
        selection::findings,
        files::findings,
        session::findings,
        identity::findings,
        behind::findings,
        platform::findings,
        keeping::findings,
    ];
    let mut findings: Vec<Finding> = steps.iter().flat_map(|step| step(picture)).collect();
    findings.extend(program::finding(picture, &findings));
    verdict::judge(picture, findings)
}

#[cfg(test)]
mod tests;
