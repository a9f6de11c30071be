//! Which nodes a task of a pass has.

use std::ops::Range;

use super::Slot;
use super::pass::Pass;

/// Most tasks of a pass.
const MOST: usize = 16;

/// Multiply-adds of a matrix product that are worth a task, and those that are worth two. Tasks that share sources
/// collect sums of their own.
const WORK: usize = 1 << 20;
const WORTH_SPLITTING: usize = 1 << 17;

/// The nodes of all tasks of a pass over destinations. They do not depend on the number of threads, and
/// neither do results.
pub(super) struct Tasks {
    /// Their destinations.
    pub nodes: Vec<Range<usize>>,
    /// A range with the sources of all edges to these.
    pub sources: Vec<Range<usize>>,
    /// Whether any two of these ranges meet. If not, all sources are in one of them.
    pub share_sources: bool,
}

impl Tasks {
    pub fn new(pass: &Pass<'_>) -> Self {
        let edges = pass.edges;
        let nodes = even(pass, edges.num_dst());
        if !pass.wanted[Slot::Input as usize] {
            let sources = vec![0..0; nodes.len()];
            return Self {
                nodes,
                sources,
                share_sources: false,
            };
        }
        let nodes = at_gaps(edges.gaps(), nodes);
        let mut sources: Vec<_> = nodes.iter().map(|nodes| edges.sources(nodes)).collect();
        // Tasks without edges share nothing.
        for i in 1..sources.len() {
            if sources[i].is_empty() {
                sources[i] = sources[i - 1].end..sources[i - 1].end;
            }
        }
        let separate = sources.is_sorted_by(|a, b| a.end <= b.start);
        if separate {
            // Sources without edges belong to the task before them.
            let num = edges.num_src();
            let mut end = num;
            for sources in sources.iter_mut().rev() {
                sources.end = std::mem::replace(&mut end, sources.start);
            }
            if let Some(first) = sources.first_mut() {
                first.start = 0;
            }
        }
        Self {
            nodes,
            sources,
            share_sources: !separate,
        }
    }

    /// Sources of all tasks, those of several counted as often.
    pub fn num_sources(&self) -> usize {
        self.sources.iter().map(ExactSizeIterator::len).sum()
    }
}

/// Ranges of about as many nodes each: an even number of them, if there are several.
pub(super) fn even(pass: &Pass<'_>, num: usize) -> Vec<Range<usize>> {
    let tasks = match pass.work() {
        ..WORTH_SPLITTING => 1,
        work => (work / WORK).max(1).next_multiple_of(2).min(MOST),
    };
    let tasks = tasks.min(num).max(1);
    (0..tasks)
        .map(|task| task * num / tasks..(task + 1) * num / tasks)
        .collect()
}

/// Moves the ends of ranges to where no edge goes across between nodes, if that is not farther than a range is long.
fn at_gaps(gaps: &[usize], ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let (Some(first), Some(last)) = (ranges.first(), ranges.last()) else {
        return ranges;
    };
    let (reach, num) = (first.len(), last.end);
    let nearest = |end: usize| {
        let next = gaps.partition_point(|&gap| gap < end);
        let near = gaps[next.saturating_sub(1)..gaps.len().min(next + 1)].iter();
        let near = near.copied().min_by_key(|gap| gap.abs_diff(end));
        near.filter(|&gap| 0 < gap && gap < num && gap.abs_diff(end) <= reach)
            .unwrap_or(end)
    };
    let mut ends: Vec<usize> = ranges[1..].iter().map(|r| nearest(r.start)).collect();
    ends.push(num);
    ends.dedup();
    let mut start = 0;
    let range = |end: usize| std::mem::replace(&mut start, end)..end;
    ends.into_iter().filter(|&end| end > 0).map(range).collect()
}
