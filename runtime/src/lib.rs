//! What Netwright's generated code calls: parameters, training, data, weights.
