//! Spherical harmonics of 10,000 points by degree: `cargo bench -p e3x-so3`.

use divan::Bencher;
use divan::counter::ItemsCount;
use e3x_so3::{Normalization, Real, SphericalHarmonics};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const POINTS: usize = 10_000;
const DEGREES: [usize; 6] = [1, 2, 3, 4, 7, 10];

fn main() {
    divan::main();
}

/// Points and the harmonics of a degree.
fn setup<T: Real>(max_degree: usize) -> (Vec<T>, SphericalHarmonics<T>) {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    let r = (0..3 * POINTS).map(|_| T::from_f64(rng.random_range(-1.0..1.0)));
    let harmonics = SphericalHarmonics::new(max_degree, true, Normalization::Racah, false);
    (r.collect(), harmonics.unwrap())
}

#[divan::bench(types = [f32, f64], args = DEGREES)]
fn values<T: Real>(bencher: Bencher<'_, '_>, max_degree: usize) {
    let (r, harmonics) = setup::<T>(max_degree);
    let mut values = vec![T::ZERO; POINTS * harmonics.num_harmonics()];
    bencher
        .counter(ItemsCount::new(POINTS))
        .bench_local(|| harmonics.values(&r, &mut values));
}

#[divan::bench(types = [f32, f64], args = DEGREES)]
fn values_and_gradients<T: Real>(bencher: Bencher<'_, '_>, max_degree: usize) {
    let (r, harmonics) = setup::<T>(max_degree);
    let length = POINTS * harmonics.num_harmonics();
    let (mut values, mut gradients) = (vec![T::ZERO; length], vec![T::ZERO; 3 * length]);
    bencher
        .counter(ItemsCount::new(POINTS))
        .bench_local(|| harmonics.values_and_gradients(&r, &mut values, &mut gradients));
}

#[divan::bench(types = [f32, f64], args = [2, 4])]
fn values_gradients_and_hessians<T: Real>(bencher: Bencher<'_, '_>, max_degree: usize) {
    let (r, harmonics) = setup::<T>(max_degree);
    let length = POINTS * harmonics.num_harmonics();
    let [mut values, mut gradients, mut hessians] = [1, 3, 9].map(|n| vec![T::ZERO; n * length]);
    bencher.counter(ItemsCount::new(POINTS)).bench_local(|| {
        harmonics.values_gradients_and_hessians(&r, &mut values, &mut gradients, &mut hessians)
    });
}
