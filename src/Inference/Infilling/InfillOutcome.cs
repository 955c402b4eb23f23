using System.Runtime.ExceptionServices;
using AsArm.Assd.Models;
using AsArm.Inference.Onnx.Sessions;
using AsArm.Inference.Text;

namespace AsArm.Inference.Infilling;

/// <summary>The outcome of one request: either a result or an error.</summary>
/// <param name="Request">The request.</param>
/// <param name="Result">The filled text; null if there is an error.</param>
/// <param name="Error">
/// <see cref="InfillTextException" /> or <see cref="ArgumentException" /> for a request that cannot be filled,
/// <see cref="ModelOutputException" /> if the logits are NaN or infinite, <see cref="ModelRunException" /> if ONNX Runtime failed,
/// <see cref="TimeoutException" /> if <see cref="InfillOptions.Timeout" /> is over,
/// whatever a collection in the options throws when it is read; null if there is a result.
/// </param>
public sealed record InfillOutcome(InfillRequest Request, InfillResult? Result, Exception? Error)
{
    /// <summary>Returns the result, or throws the error.</summary>
    /// <exception cref="Exception">The <see cref="Error" />, if there is one.</exception>
    public InfillResult ResultOrThrow()
    {
        if (Error is not null)
            ExceptionDispatchInfo.Throw(Error);
        return Result ?? throw new InvalidOperationException("The outcome has neither a result nor an error.");
    }
}
