"""A believable shop to look at: Lumen Coffee, three months of its referral program.

`story` draws up what happens, from a seed; `cast` says who is in it; `loading` plays it through the same
services as real traffic (`public`, `staff` and `shopfront` hold the parts); `logins` tells how to get in.
"""
