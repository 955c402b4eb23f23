namespace AsArm.Assd.Tests.Exactness;

/// <summary>Deliberate flaws of the reference sampler, as controls.</summary>
internal enum Flaw
{
    None,

    /// <summary>Replacements are drawn from q instead of from the residual.</summary>
    ResidualNotSubtracted,

    /// <summary>Nothing is ever rejected.</summary>
    AlwaysAccept,

    /// <summary>Banned tokens are set to 0 after the softmax, in p and q, without renormalisation (as in the official code).</summary>
    MaskNotRenormalised,
}
