#!/usr/bin/env bash
# Deep Compression (Han et al., 2016) of one network on the real MNIST, from nothing to the .nwz file:
#
#     benches/deep_compression.sh lenet300_100|lenet_caffe [DATA] [FOLDER]
#
# DATA is a dataset's name or a folder of IDX files (mnist, which is fetched), FOLDER a new one for all files (runs/deep-NET).
# docs/compression.md has what it prints.
set -euo pipefail
cd "$(dirname "$0")/.."
network=${1:?lenet300_100 or lenet_caffe}
data=${2:-mnist}
folder=${3:-runs/deep-$network}

# What to keep of each layer, the epochs of pruning and those in which weights go, the bits of shared values, and the
# epochs in which these are trained.
case $network in
lenet300_100) keep=dense1=0.05,dense2=0.07,dense3=0.25 epochs=12 gradual=7 bits=5,bias=6 shared=3 ;;
lenet_caffe) keep=conv1=0.66,conv2=0.12,dense1=0.04,dense2=0.19 epochs=8 gradual=5 bits=conv=8,dense=5,bias=6 shared=2 ;;
*) echo "there is no recipe for $network" >&2; exit 2 ;;
esac

cargo build --release -q -p netwright-cli
netwright=target/release/netwright
$netwright train "$network" --data "$data" --out "$folder/trained"
$netwright prune "$network" --data "$data" --weights "$folder/trained/weights.safetensors" \
    --keep "$keep" --epochs "$epochs" --gradual "$gradual" --lr-factor 0.3 --out "$folder/pruned"
$netwright compress "$network" --data "$data" --weights "$folder/pruned/weights.safetensors" \
    --bits "$bits" --epochs "$shared" -o "$folder/$network.nwz"
$netwright eval "$network" --data "$data" --weights "$folder/trained/weights.safetensors"
$netwright eval "$network" --data "$data" --weights "$folder/$network.nwz"
