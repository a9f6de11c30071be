//! Edge lists: grouping by node, and bad input.

mod common;

use common::{Noise, assert_names, random_edges};
use e3x_kernels::EdgeList;
use e3x_kernels::edges::PADDING;

/// Every edge that is not padding is once in the group of its node, in ascending order.
#[test]
fn edges_are_grouped_by_destination_and_by_source() {
    let mut noise = Noise::new(1);
    for len in [0, 1, 7, 40] {
        let edges = random_edges(&mut noise, len, 5, 3, true);
        assert_eq!(edges.len(), len);
        assert_eq!(edges.is_empty(), len == 0);
        assert_eq!((edges.num_dst(), edges.num_src()), (5, 3));
        let select = |of: &[u32], node: usize| -> Vec<usize> {
            let counts = |&e: &usize| edges.dst()[e] != PADDING && of[e] as usize == node;
            (0..len).filter(counts).collect()
        };
        for node in 0..5 {
            assert_eq!(edges.edges_to(node), select(edges.dst(), node));
        }
        for node in 0..3 {
            assert_eq!(edges.edges_from(node), select(edges.src(), node));
        }
    }
}

#[test]
fn bad_indices_are_errors_that_name_the_list() {
    let new = |dst: &[u32], src: &[u32]| EdgeList::new(dst.to_vec(), src.to_vec(), 2, 3);
    assert_names(new(&[0, 1], &[0]), "src_idx");
    assert_names(new(&[0], &[0, 1]), "src_idx");
    assert_names(new(&[2], &[0]), "dst_idx");
    assert_names(new(&[PADDING - 1], &[0]), "dst_idx");
    assert_names(new(&[0], &[3]), "src_idx");
    assert_names(new(&[0], &[PADDING]), "src_idx");
    assert_names(new(&[PADDING], &[3]), "src_idx");
    assert!(new(&[PADDING, 1], &[2, 2]).is_ok());
    assert_names(EdgeList::new(vec![0], vec![0], 0, 1), "dst_idx");
    assert_names(EdgeList::new(vec![0], vec![0], 1, 0), "src_idx");
}
