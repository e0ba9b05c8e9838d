#include "mlq/graph.h"

namespace mlq {}
