"""Checks of the link this laptop is plugged into: interface, gateway, resolvers, duplicate addresses."""
