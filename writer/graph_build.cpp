#include "writer/graph_build.hpp"
