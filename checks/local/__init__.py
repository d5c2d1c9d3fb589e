"""What this machine is: interfaces, routes, resolvers, VPN, proxy, power, one reader per platform."""
