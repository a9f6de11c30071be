//! Peak memory of this process.

/// From here on, peak memory counts anew (on Linux; elsewhere nothing happens).
pub fn reset_peak() {
    // Where it is not allowed, the peak counts from the start of the process.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The largest resident memory in MiB; `None` where the system does not tell.
pub fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
