namespace AsArm.Assd.Samplers.Fused;

/// <summary>Counts of the draft tokens of one source.</summary>
/// <param name="Drafted">Draft tokens drawn.</param>
/// <param name="Verified">Draft tokens verified: all draft tokens before them in their speculation step were accepted.</param>
/// <param name="Accepted">Draft tokens accepted.</param>
public readonly record struct DraftCounts(int Drafted, int Verified, int Accepted)
{
    /// <summary>Both summed.</summary>
    public static DraftCounts operator +(DraftCounts left, DraftCounts right) =>
        new(left.Drafted + right.Drafted, left.Verified + right.Verified, left.Accepted + right.Accepted);
}
