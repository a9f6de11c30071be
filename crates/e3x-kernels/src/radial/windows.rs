//! Windows that divide [0, 1] into `num` parts.

use super::Table;
use crate::scalar::Scalar;

impl Table {
    /// 1 between two bounds, both included.
    pub(super) fn rectangular_window(&self, t: f64, row: &mut [f64]) {
        let num = self.num as f64;
        for (k, value) in row.iter_mut().enumerate() {
            let inside = t >= k as f64 / num && t <= (k + 1) as f64 / num;
            *value = f64::from(u8::from(inside && self.order == 0));
        }
    }

    /// Hat functions; at a corner the derivative is the mean of both sides.
    pub(super) fn triangular_window(&self, t: f64, row: &mut [f64]) {
        let num = self.num as f64;
        for (k, value) in row.iter_mut().enumerate() {
            let u = num * t - k as f64;
            *value = match self.order {
                0 => (1.0 - u.abs()).max(0.0),
                1 if u == 0.0 || u.abs() > 1.0 => 0.0,
                1 if u.abs() == 1.0 => -0.5 * u.signum() * num,
                1 => -u.signum() * num,
                _ => 0.0,
            };
        }
    }

    /// The difference of two smooth switches.
    pub(super) fn smooth_window(&self, t: f64, row: &mut [f64]) {
        let num = self.num as f64;
        let chain = num.powi(self.order as i32);
        let switch = Scalar::SmoothSwitch { x0: 0.0, x1: 1.0 };
        for (k, value) in row.iter_mut().enumerate() {
            let u = num * t - k as f64;
            let up = switch.derivative(self.order, u + 1.0);
            *value = chain * (up - switch.derivative(self.order, u));
        }
    }
}
