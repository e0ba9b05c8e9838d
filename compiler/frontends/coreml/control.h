// Networks inside of networks: what branches and loops share with the walk over the layers.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "compiler/frontends/coreml/build.h"

namespace mlqc::coreml {

class NeuralNetwork;
class NeuralNetworkLayer;

// A run of layers of one network.
using Layers = std::span<const NeuralNetworkLayer* const>;
Layers all_layers(const NeuralNetwork& network);

// Adds how often each blob is read, in networks inside of the network too.
void count_reads(const NeuralNetwork& network, std::map<std::string, int, std::less<>>& reads);

// The layers of the network and of those inside of it.
void collect_layers(const NeuralNetwork& network, std::vector<const NeuralNetworkLayer*>& layers);

// Lowers the layers in turn; what may be skipped by a loopBreak or loopContinue among them becomes a branch.
void lower_layers(Build& build, Layers layers);

}  // namespace mlqc::coreml
