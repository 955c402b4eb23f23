namespace AsArm.Inference.Gaps;

/// <summary>How the filling of a gap was found.</summary>
public enum GapMethod
{
    /// <summary>Sampled: the number of tokens is given, and nothing else.</summary>
    Sampling,

    /// <summary>The length was drawn from its posterior by evidence, then the gap was filled given the length.</summary>
    Evidence,

    /// <summary>One of the choices was drawn by their joint probabilities.</summary>
    Choice,

    /// <summary>Rejection with known weights: the filling is a sample of the distribution given the constraint and, if it is not known, the posterior of the length.</summary>
    Rejection,

    /// <summary>Resampling among weighted samples: approximate.</summary>
    Resampling,

    /// <summary>Greedy decoding of a gap that has to meet a condition: the most probable allowed token at each step, after the most probable length.</summary>
    Greedy,

    /// <summary>The text and its end were drawn together, from one joint distribution, given that the length is one of those asked for.</summary>
    OpenGap,
}
