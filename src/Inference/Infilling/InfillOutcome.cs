using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>What one request ended with: a result or an error, never both.</summary>
/// <param name="Request">The request.</param>
/// <param name="Result">The filled text; null where there is an error.</param>
/// <param name="Error">
/// <see cref="InfillTextException" /> or <see cref="ArgumentException" /> for a request that cannot be filled,
/// <see cref="ModelOutputException" /> where the network answered with NaN or infinite logits; null where there is a result.
/// </param>
public sealed record InfillOutcome(InfillRequest Request, InfillResult? Result, Exception? Error)
{
    /// <summary>The result.</summary>
    /// <exception cref="Exception">The <see cref="Error" />, where there is no result.</exception>
    public InfillResult ResultOrThrow()
    {
        if (Error is not null)
            ExceptionDispatchInfo.Throw(Error);
        return Result ?? throw new InvalidOperationException("An outcome without result and error.");
    }
}
