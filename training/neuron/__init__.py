"""The Variable Spiking Neuron in torch: activation, spike with its surrogate gradient, and the layer over all steps."""
