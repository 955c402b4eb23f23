namespace AsArm.Assd.Tests.Exactness;

/// <summary>What the reference sampler does wrong on purpose, so that a test can show that it would be noticed.</summary>
internal enum Flaw
{
    None,

    /// <summary>A replacement is drawn from q instead of from the residual.</summary>
    ResidualNotSubtracted,

    /// <summary>Nothing is ever rejected.</summary>
    AlwaysAccept,

    /// <summary>The mask is zeroed after the softmax, in p and q, and the rest left below one (as in the official code).</summary>
    MaskNotRenormalised,
}
