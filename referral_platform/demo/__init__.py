"""A believable shop to look at: Lumen Coffee, half a year of its referral programs.

`story` draws up what happens, from a seed (`scenes` are its words, `portrait` and `traffic` its material);
`cast` says who is in it; `loading` plays it through the same services as real traffic (`playing` keeps the
time; `public`, `staff`, `money`, `shopfront` and `endpoints` hold the parts; `sandbox` fills the sandbox);
`logins` tells how to get in.
"""
