//! The doorbell: who must look at the store again. May fail; the store is the truth.
