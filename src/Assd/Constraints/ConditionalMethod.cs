namespace AsArm.Assd.Constraints;

/// <summary>How a sequence that meets a constraint was drawn.</summary>
public enum ConditionalMethod
{
    /// <summary>By rejection: it has exactly the distribution of the model, given the constraint.</summary>
    Exact,

    /// <summary>By resampling among weighted draws (sampling importance resampling): nearly that distribution, the better the larger the effective sample size.</summary>
    Estimate,

    /// <summary>By greedy decoding: the most probable allowed token at each step, which is no sample.</summary>
    Greedy,
}
