//! Accumulated errors and the CSV file of a training.

use std::fs;

use e3x_atoms::metrics::{Deviations, EnergyForceDeviations, MetricsLog, read_metrics};

#[test]
fn errors_of_known_numbers() {
    let mut all = EnergyForceDeviations::default();
    assert_eq!((all.energy.mae(), all.forces.rmse()), (None, None));
    all.add_frame(1.0, 3.0, &[[1.0, 0.0, 0.0]], &[[0.0, 0.0, -2.0]])
        .unwrap();
    let mut other = EnergyForceDeviations::default();
    other
        .add_frame(5.0, 1.0, &[[0.0; 3], [3.0, 0.0, 0.0]], &[[0.0; 3]; 2])
        .unwrap();
    all.merge(&other);
    assert_eq!(all.energy.count(), 2);
    assert_eq!(all.energy.mae(), Some(3.0));
    assert_eq!(all.energy.rmse(), Some(10.0_f64.sqrt()));
    assert_eq!(all.forces.count(), 9);
    assert_eq!(all.forces.mae(), Some(6.0 / 9.0));
    assert_eq!(all.forces.rmse(), Some((14.0_f64 / 9.0).sqrt()));
}

#[test]
fn shapes_that_differ_add_nothing() {
    let mut all = EnergyForceDeviations::default();
    let message = all
        .add_frame(1.0, 1.0, &[[0.0; 3]], &[])
        .unwrap_err()
        .to_string();
    assert!(message.contains("predicted"), "{message}");
    assert_eq!(all, EnergyForceDeviations::default());
    let mut nan = Deviations::default();
    nan.add(f64::NAN, 0.0);
    assert!(nan.mae().unwrap().is_nan(), "a NaN shows");
}

#[test]
fn a_resumed_file_is_that_of_an_uninterrupted_run() {
    let folder = tempfile::tempdir().unwrap();
    let columns = ["loss", "mae"];
    let row = |epoch: u64| [1.0 / epoch as f64, 0.1_f64.powi(epoch as i32)];
    let straight = folder.path().join("straight.csv");
    let mut log = MetricsLog::create(&straight, &columns).unwrap();
    (1..=6).for_each(|epoch| log.append(epoch, &row(epoch)).unwrap());
    let expected = fs::read(&straight).unwrap();

    // Killed while writing the row of epoch 5, the last checkpoint is of epoch 3.
    let path = folder.path().join("killed.csv");
    let end = expected
        .windows(2)
        .rposition(|pair| pair == b"\n5")
        .unwrap()
        + 6;
    fs::write(&path, &expected[..end]).unwrap();
    let mut log = MetricsLog::resume(&path, &columns, 3).unwrap();
    assert_eq!(read_metrics(&path).unwrap().epochs, [1, 2, 3]);
    (4..=6).for_each(|epoch| log.append(epoch, &row(epoch)).unwrap());
    assert_eq!(fs::read(&path).unwrap(), expected);

    let table = read_metrics(&path).unwrap();
    assert_eq!(table.column("loss").unwrap()[2], 1.0 / 3.0);
    assert_eq!(table.column("no such"), None);
}

#[test]
fn resuming_without_a_file_starts_one_and_creating_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    let mut log = MetricsLog::resume(&path, &["a"], 9).unwrap();
    log.append(1, &[f64::NAN]).unwrap();
    assert!(read_metrics(&path).unwrap().column("a").unwrap()[0].is_nan());
    drop(MetricsLog::create(&path, &["b"]).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), "epoch,b\n");
}

#[test]
fn bad_files_and_rows_are_refused_and_stay() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("metrics.csv");
    let cases = [
        ("epoch,a,b\n1,2,3\n", ":1:", "epoch,a"),
        ("hello\n", ":1:", "beginning with `epoch`"),
        ("epoch,a\n1,2\n2,x\n3,1\n", ":3:", "an epoch and 1 numbers"),
        ("epoch,a\n1,2,3\n", ":2:", "`1,2,3`"),
    ];
    for (content, line, part) in cases {
        fs::write(&path, content).unwrap();
        let message = MetricsLog::resume(&path, &["a"], 5)
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(line) && message.contains(part),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let mut log = MetricsLog::create(&path, &["a"]).unwrap();
    let message = log.append(1, &[1.0, 2.0]).unwrap_err().to_string();
    assert!(message.contains("values"), "{message}");
    assert!(read_metrics(folder.path().join("no.csv")).is_err());
}
