using AsArm.Server.Configuration;
using AsArm.Server.Fields;
using AsArm.Server.Infilling;

namespace AsArm.Server;

/// <summary>
/// The time that a request may take, from its headers to its answer: reading the body, waiting for a model to open and all forward passes. Lines of texts have it
/// each.
/// </summary>
internal static class RequestDeadline
{
    /// <summary>Calls the rest of the pipeline, with the time limit in the token of the request.</summary>
    /// <exception cref="TimeoutException">The time is up.</exception>
    public static async Task InvokeAsync(HttpContext context, RequestDelegate next, ServerOptions options)
    {
        bool isLimited = context.GetEndpoint()?.Metadata.GetMetadata<FieldList>() is not null;
        if (!isLimited || InfillLines.AreIn(context))
        {
            await next(context);
            return;
        }

        CancellationToken client = context.RequestAborted;
        using var source = CancellationTokenSource.CreateLinkedTokenSource(client);
        source.CancelAfter(options.RequestTimeout);
        context.RequestAborted = source.Token;
        try
        {
            await next(context);
        }
        catch (OperationCanceledException error) when (source.IsCancellationRequested && !client.IsCancellationRequested)
        {
            throw new TimeoutException($"The request was not finished within {options.RequestTimeoutSeconds:0.###} s.", error);
        }
        finally
        {
            context.RequestAborted = client;
        }
    }
}
