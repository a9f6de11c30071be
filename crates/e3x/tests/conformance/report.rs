//! The report of a run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::{Outcome, Status};
use crate::compare::Deviation;

/// Cases of one operation.
#[derive(Debug, Default)]
struct Operation {
    passed: usize,
    failed: usize,
    /// Number of cases by what is missing (`None`: the whole operation).
    skipped: BTreeMap<Option<&'static str>, usize>,
    /// In f64 and in f32.
    deviations: [Option<Deviation>; 2],
}

/// Outcomes by operation.
pub struct Report<'a> {
    outcomes: &'a [Outcome],
    problems: &'a [String],
    operations: BTreeMap<&'a str, Operation>,
}

impl<'a> Report<'a> {
    /// Sums up. Problems with folders and files count as failures.
    pub fn new(outcomes: &'a [Outcome], problems: &'a [String]) -> Self {
        let mut operations: BTreeMap<_, Operation> = BTreeMap::new();
        for outcome in outcomes {
            let operation = operations.entry(outcome.op.as_str()).or_default();
            match outcome.status {
                Status::Passed => operation.passed += 1,
                Status::Failed(_) => operation.failed += 1,
                Status::Skipped(part) => *operation.skipped.entry(part).or_default() += 1,
            }
            let deviation = &mut operation.deviations[usize::from(!outcome.is_f64)];
            *deviation = Some(deviation.unwrap_or_default().max(outcome.deviation));
        }
        Self {
            outcomes,
            problems,
            operations,
        }
    }

    pub fn num_passed(&self) -> usize {
        self.operations
            .values()
            .map(|operation| operation.passed)
            .sum()
    }

    /// Failed cases and problems.
    pub fn num_failed(&self) -> usize {
        let failed: usize = self
            .operations
            .values()
            .map(|operation| operation.failed)
            .sum();
        failed + self.problems.len()
    }

    fn num_skipped(&self) -> usize {
        let operations = self.operations.values();
        operations
            .flat_map(|operation| operation.skipped.values())
            .sum()
    }

    /// The report as text, ending with the line of totals.
    pub fn render(&self, quiet: bool) -> String {
        let mut text = String::new();
        if !quiet {
            text.push_str(&self.table());
        }
        if self.outcomes.is_empty() {
            text.push_str("\nno case matches\n");
        }
        text.push_str(&self.failures());
        text.push_str(&self.skipped());
        let (passed, failed, skipped) = (self.num_passed(), self.num_failed(), self.num_skipped());
        let _ = writeln!(
            text,
            "\n{passed} passed, {failed} failed, {skipped} skipped"
        );
        text
    }

    /// Number of cases and largest errors of each operation that ran.
    fn table(&self) -> String {
        let mut text = format!(
            "\n{:<36} {:>6} {:>6}  {:>21}  {:>21}\n{:<36} {:>6} {:>6}  {:>10} {:>10}  {:>10} {:>10}\n",
            "",
            "",
            "",
            "largest error in f64",
            "in f32",
            "operation",
            "cases",
            "failed",
            "tolerances",
            "absolute",
            "tolerances",
            "absolute",
        );
        for (op, operation) in &self.operations {
            let cases = operation.passed + operation.failed;
            if cases == 0 {
                continue;
            }
            let _ = write!(text, "{op:<36} {cases:>6} {:>6}", operation.failed);
            for deviation in operation.deviations {
                let _ = match deviation {
                    Some(error) => {
                        write!(
                            text,
                            "  {:>10.1e} {:>10.1e}",
                            error.relative, error.absolute
                        )
                    }
                    None => write!(text, "  {:>10} {:>10}", "-", "-"),
                };
            }
            text.push('\n');
        }
        text
    }

    fn failures(&self) -> String {
        let mut text = String::new();
        for outcome in self.outcomes {
            if let Status::Failed(failures) = &outcome.status {
                let _ = writeln!(
                    text,
                    "\nFAILED {} ({})",
                    outcome.file.name,
                    outcome.file.path.display()
                );
                for failure in failures {
                    let _ = writeln!(text, "    {failure}");
                }
            }
        }
        for problem in self.problems {
            let _ = writeln!(text, "\nFAILED {problem}");
        }
        text
    }

    fn skipped(&self) -> String {
        let mut text = String::new();
        for (op, operation) in &self.operations {
            for (part, num) in &operation.skipped {
                let part = part.map(|part| format!(" with {part}")).unwrap_or_default();
                let _ = writeln!(text, "    {op}{part} ({num})");
            }
        }
        if text.is_empty() {
            return text;
        }
        format!("\nskipped, not built yet: operations (cases)\n{text}")
    }
}
