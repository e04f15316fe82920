"""Control: ports to inputs, step, outputs to ports; the only meeting place of core and hardware."""
